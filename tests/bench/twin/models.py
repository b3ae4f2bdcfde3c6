from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import models
from django.urls import reverse
from django.utils import timezone


def protected_storage():
    return storages["protected"]


class Profile(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE)
    name = models.CharField(max_length=150, blank=True)
    headline = models.CharField(max_length=150, blank=True)
    bio = models.TextField(blank=True)
    place = models.CharField(max_length=100, blank=True)
    skills = models.TextField(blank=True)
    links = models.TextField(blank=True)
    phone = models.CharField(max_length=40, blank=True)
    contact_email = models.EmailField(blank=True)
    avatar = models.ImageField(upload_to="avatars", blank=True)
    resume = models.FileField(upload_to="resumes", storage=protected_storage, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        indexes = [
            models.Index(fields=["name"]),
            models.Index(fields=["-created_at"]),
            models.Index(fields=["-updated_at"]),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("profile", args=[self.pk])

    def skill_list(self):
        return [skill.strip() for skill in self.skills.split(",") if skill.strip()]


class ResumeDownload(models.Model):
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="downloads")
    member = models.ForeignKey(User, on_delete=models.CASCADE)
    opened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self):
        return f"{self.member} opened the resume of {self.profile}"
