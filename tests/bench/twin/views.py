import string

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.views import View
from django.views.generic import DetailView, ListView, TemplateView, UpdateView

from .models import Profile, ResumeDownload


class HomeView(TemplateView):
    template_name = "twin/home.html"

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        members = Profile.objects.filter(user__is_active=True)
        context["newest"] = members.order_by("-created_at")[:6]
        if self.request.user.is_authenticated:
            context["updated"] = members.exclude(resume="").order_by("-updated_at")[:6]
            opened = self.request.user.profile.downloads.select_related("member__profile")
            context["opened"] = opened[:3]
        return context


class DirectoryView(ListView):
    template_name = "twin/directory.html"
    paginate_by = 24

    def get_queryset(self):
        profiles = Profile.objects.filter(user__is_active=True)
        if q := self.request.GET.get("q"):
            profiles = profiles.filter(
                Q(name__icontains=q)
                | Q(headline__icontains=q)
                | Q(bio__icontains=q)
                | Q(place__icontains=q)
                | Q(skills__icontains=q)
            )
        if place := self.request.GET.get("place"):
            profiles = profiles.filter(place__icontains=place)
        if skill := self.request.GET.get("skill"):
            profiles = profiles.filter(skills__icontains=skill)
        if letter := self.request.GET.get("letter"):
            profiles = profiles.filter(name__istartswith=letter)
        if self.request.GET.get("resume"):
            profiles = profiles.exclude(resume="")
        return profiles.order_by("-created_at" if self.request.GET.get("sort") else "name")

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        for name in ("q", "place", "skill", "letter"):
            context[name] = self.request.GET.get(name, "")
        context["letters"] = string.ascii_lowercase
        context["numbers"] = context["paginator"].get_elided_page_range(
            context["page_obj"].number, on_each_side=2, on_ends=1
        )
        return context


class ProfileView(DetailView):
    template_name = "twin/profile.html"
    queryset = Profile.objects.filter(user__is_active=True).select_related("user")


class MeView(LoginRequiredMixin, ProfileView):
    def get_object(self, queryset=None):
        return self.request.user.profile


class EditView(LoginRequiredMixin, UpdateView):
    template_name = "twin/edit.html"
    fields = ["name", "headline", "bio", "avatar", "resume"]
    success_url = reverse_lazy("me")

    def get_object(self, queryset=None):
        return self.request.user.profile


class ResumeView(LoginRequiredMixin, View):
    def get(self, request, pk):
        profile = get_object_or_404(Profile, pk=pk, user__is_active=True)
        if not profile.resume:
            raise Http404("No resume")
        ResumeDownload.objects.create(profile=profile, member=request.user)
        return redirect(profile.resume.url)


def healthz(request):
    return HttpResponse("ok\n", content_type="text/plain")
